<ellipse rx="14" ry="20" transform="rotate(28)"/>
