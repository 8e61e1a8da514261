<path d="M146 76 H254 L242 242 Q241 256 226 256 H174 Q159 256 158 242 Z" fill="#fff" opacity=".6"/>
<path d="M150 114 H250 L240 236 Q239 247 227 247 H173 Q161 247 160 236 Z" fill="${main}" opacity=".85"/>
<ellipse cx="200" cy="114" rx="50" ry="10" fill="${main_lighter_35}"/>
<g transform="translate(248 84)">
<circle r="32" fill="${main_darker_5}"/>
<circle r="26" fill="#fff8ec"/>
<g fill="${main_lighter_20}">
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(0)"/>
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(60)"/>
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(120)"/>
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(180)"/>
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(240)"/>
<path d="M0 -3 L-8 -22 Q0 -27 8 -22 Z" transform="rotate(300)"/>
</g>
</g>
<g fill="${accent}">
<path d="M176 112 C150 96 150 72 158 60 C178 70 186 92 180 112 Z"/>
<path d="M188 112 C180 88 192 70 206 62 C216 82 208 102 194 114 Z"/>
</g>
<path d="M166 130 L173 232" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".5"/>
<g fill="#fff8ec" opacity=".8">
<circle cx="196" cy="170" r="8"/>
<circle cx="220" cy="198" r="6"/>
<circle cx="190" cy="216" r="7"/>
</g>
