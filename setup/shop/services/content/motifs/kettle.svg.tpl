<path d="M146 214 C96 214 112 138 78 128 L64 124" fill="none" stroke="${main_darker_25}" stroke-width="13" stroke-linecap="round"/>
<path d="M264 150 q76 -30 72 34 q-4 46 -62 50" fill="none" stroke="${accent}" stroke-width="14" stroke-linecap="round"/>
<path d="M160 138 H256 Q292 196 284 244 Q282 256 268 256 H146 Q132 256 130 244 Q124 196 160 138 Z" fill="${main}"/>
<path d="M226 138 H256 Q292 196 284 244 Q282 256 268 256 H238 Q258 200 226 138 Z" fill="${main_darker_25}" opacity=".6"/>
<path d="M164 152 Q142 196 146 236" fill="none" stroke="${main_lighter_35}" stroke-width="9" stroke-linecap="round"/>
<ellipse cx="208" cy="138" rx="50" ry="12" fill="${main_darker_25}"/>
<path d="M164 136 Q208 108 252 136 Z" fill="${main_lighter_35}"/>
<path d="M200 108 h16 v14 h-16 Z" fill="${main}"/>
<circle cx="208" cy="102" r="12" fill="${accent}"/>
<g transform="translate(60 112) scale(.5)">
<g fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".75">
<path d="M-26 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M0 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M26 0 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
</g>
</g>
