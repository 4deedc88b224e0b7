"""What runs before anything else of ours: are the packages that Python finds our own?

Our packages have common names (`core`, `worker`, `api` …), and another project may have the same.
This one's name is nobody else's, so it can look at the others before they are imported. It imports
nothing of ours and only what Python has loaded anyway: each program pays for it at each start.
"""
