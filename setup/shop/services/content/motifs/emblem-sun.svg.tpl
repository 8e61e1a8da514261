<circle r="10"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(0)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(45)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(90)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(135)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(180)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(225)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(270)"/>
<rect x="-2" y="-22" width="4" height="8" transform="rotate(315)"/>
