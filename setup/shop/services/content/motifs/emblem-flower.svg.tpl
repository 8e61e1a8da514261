<ellipse cy="-12" rx="7" ry="11" transform="rotate(0)"/>
<ellipse cy="-12" rx="7" ry="11" transform="rotate(60)"/>
<ellipse cy="-12" rx="7" ry="11" transform="rotate(120)"/>
<ellipse cy="-12" rx="7" ry="11" transform="rotate(180)"/>
<ellipse cy="-12" rx="7" ry="11" transform="rotate(240)"/>
<ellipse cy="-12" rx="7" ry="11" transform="rotate(300)"/>
