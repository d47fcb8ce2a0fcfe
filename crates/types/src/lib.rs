//! What both sides of the card module interface agree on: card files, container map, key blobs, PINs, padding.
