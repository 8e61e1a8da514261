<path d="M122 196 C92 192 94 150 66 142 L58 158 C78 168 74 222 128 232 Z" fill="${main_darker_22}"/>
<path d="M284 158 q58 -10 52 32 q-6 38 -66 42" fill="none" stroke="${main_darker_22}" stroke-width="15" stroke-linecap="round"/>
<ellipse cx="202" cy="198" rx="96" ry="58" fill="${main}"/>
<path d="M298 198 a96 58 0 0 1 -96 58 q70 -14 74 -96 a96 58 0 0 1 22 38 Z" fill="${main_darker_22}" opacity=".6"/>
<path d="M110 204 Q150 222 202 222 T294 204 Q290 220 280 230 Q202 246 124 230 Q114 220 110 204 Z" fill="${accent}" opacity=".9"/>
<path d="M146 150 Q202 118 258 150 Q202 168 146 150 Z" fill="${main_lighter_30}"/>
<circle cx="202" cy="124" r="13" fill="${accent}"/>
<path d="M130 180 Q142 156 164 150" fill="none" stroke="#fff" stroke-width="8" stroke-linecap="round" opacity=".5"/>
<rect x="162" y="248" width="80" height="9" rx="4" fill="${main_darker_22}"/>
<g transform="translate(58 128) scale(.55)">
<g fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".75">
<path d="M-26 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M0 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M26 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
</g>
</g>
