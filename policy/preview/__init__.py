"""What a change of policy means before it is made, and who may do what: `who`, and the difference of two policies.

Pure: two generations in, data out. Reading files and clusters, and printing, is for lynceus.commands.
"""
