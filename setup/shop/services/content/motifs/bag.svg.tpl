<path d="M138 92 L262 92 L270 252 Q200 262 130 252 Z" fill="${main}"/>
<path d="M232 92 L262 92 L270 252 Q252 256 240 257 Z" fill="${main_darker_25}" opacity=".55"/>
<path d="M138 92 L152 92 L146 254 L130 252 Z" fill="${main_lighter_18}" opacity=".6"/>
<path d="M136 60 H264 V96 H136 Z" fill="${main_darker_25}"/>
<path d="M136 72 H264" stroke="${main}" stroke-width="3"/>
<rect x="124" y="66" width="20" height="10" rx="3" fill="${accent}"/>
<rect x="256" y="66" width="20" height="10" rx="3" fill="${accent}"/>
<rect x="154" y="124" width="92" height="98" rx="8" fill="#fff8ec"/>
<rect x="154" y="124" width="92" height="14" rx="7" fill="${accent}"/>
<g transform="translate(200 170)" fill="${main}">${emblem}</g>
<path d="M170 202 H230 M182 212 H218" stroke="${main_darker_25}" stroke-width="4" stroke-linecap="round"/>
