//! Cardmod.h versions 4 to 7 by hand: structures, constants, function types and codes.
