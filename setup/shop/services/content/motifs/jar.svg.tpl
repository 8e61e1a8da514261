<path d="M146 104 H254 Q266 112 266 128 V236 Q266 254 248 254 H152 Q134 254 134 236 V128 Q134 112 146 104 Z" fill="#fff" opacity=".7"/>
<path d="M142 138 Q170 128 200 138 T258 136 V234 Q258 246 246 246 H154 Q142 246 142 234 Z" fill="${main}"/>
<path d="M148 76 H252 L262 108 Q200 120 138 108 Z" fill="${accent}"/>
<path d="M146 88 Q200 98 254 88" fill="none" stroke="${main_darker_25}" stroke-width="4"/>
<path d="M160 78 l-8 28 M186 78 l-3 34 M214 78 l3 34 M240 78 l8 28" stroke="#fff" stroke-width="5" opacity=".5"/>
<rect x="160" y="156" width="80" height="62" rx="31" fill="#fff8ec"/>
<g transform="translate(200 188)" fill="${main}">${emblem}</g>
<rect x="148" y="122" width="9" height="112" rx="4" fill="#fff" opacity=".4"/>
<path d="M290 232 L352 214" stroke="#9b8a7a" stroke-width="8" stroke-linecap="round"/>
<ellipse cx="294" cy="246" rx="26" ry="9" fill="#b7a796"/>
<path d="M270 244 Q294 214 318 244 Z" fill="${main}"/>
