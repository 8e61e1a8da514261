<ellipse cx="200" cy="246" rx="132" ry="18" fill="#fff"/>
<ellipse cx="200" cy="242" rx="100" ry="11" fill="#efe7e0"/>
<path d="M104 178 L296 150 V216 L104 242 Z" fill="${main}"/>
<path d="M296 150 V216 L262 240 L104 242 L104 240 Z" fill="${main_darker_12}" opacity=".35"/>
<path d="M104 202 L296 174 V187 L104 215 Z" fill="${accent}"/>
<path d="M104 198 L296 170 V175 L104 203 Z" fill="#fff8ec"/>
<path d="M104 178 L236 122 Q286 124 296 150 Z" fill="#fff8ec"/>
<path d="M104 178 L296 150 q-4 14 -16 6 q-12 -2 -18 10 q-12 12 -20 -2 q-14 0 -22 14 q-12 8 -18 -4 q-14 2 -22 14 q-12 6 -16 -4 q-20 8 -60 -6 Z" fill="#fff8ec"/>
<g transform="translate(234 116)">
<path d="M0 26 C-28 14 -24 -14 -8 -14 Q0 -16 8 -14 C24 -14 28 14 0 26 Z" fill="${accent}"/>
<path d="M-14 -14 Q0 -28 14 -14 Q4 -8 0 -12 Q-4 -8 -14 -14 Z" fill="#5d8a4a"/>
<g fill="${accent_lighter_50}">
<circle cx="-8" cy="-2" r="2"/>
<circle cx="6" cy="0" r="2"/>
<circle cx="-2" cy="10" r="2"/>
</g>
</g>
<g fill="${main_darker_12}">
<circle cx="150" cy="188" r="3"/>
<circle cx="210" cy="170" r="3"/>
<circle cx="250" cy="200" r="3"/>
<circle cx="160" cy="226" r="3"/>
</g>
