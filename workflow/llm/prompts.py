"""placeholder"""
def prompt_version(kind):
    return "1"
