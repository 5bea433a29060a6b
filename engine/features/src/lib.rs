//! Holds no code: its manifest gives every build of a part of the workspace the features of the whole.
