# The entry of this project under its systematic name.
_base_ = '../mpl_bisenet_gta2cs.py'
