"""What people paste besides logs: packet captures as text, nmap's list of ciphers, a browser's error page."""
