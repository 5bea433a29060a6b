"""Runs a program on a pseudo-terminal of 30 lines and 100 columns: on_pty.py PROGRAM [ARGUMENT…].

What comes on standard input is typed there; what the program writes goes to standard output. Ends with the program's code.
"""
import errno
import fcntl
import os
import pty
import select
import struct
import sys
import termios

child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])

inputs = [0, terminal]
while terminal in inputs:
    for ready in select.select(inputs, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError as error:  # Linux says so where others give an end of file.
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            inputs.remove(ready)
        elif ready == 0:
            os.write(terminal, data)
        else:
            os.write(1, data)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
