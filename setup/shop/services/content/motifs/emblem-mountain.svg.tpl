<path d="M-22 16 L-6 -10 L2 2 L9 -7 L24 16 Z"/><circle cx="12" cy="-16" r="6"/>
