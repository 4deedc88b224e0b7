"""The same job on other systems, each as its users would write it; run as programs of their own."""
