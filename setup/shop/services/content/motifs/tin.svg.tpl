<path d="M140 104 H260 V246 Q200 266 140 246 Z" fill="${main}"/>
<path d="M236 104 H260 V246 Q248 252 236 254 Z" fill="${main_darker_25}" opacity=".6"/>
<path d="M152 104 H166 V253 Q158 252 152 250 Z" fill="${main_lighter_25}" opacity=".6"/>
<path d="M134 76 H266 V106 Q200 124 134 106 Z" fill="${main_darker_25}"/>
<ellipse cx="200" cy="76" rx="66" ry="16" fill="${main_lighter_25}"/>
<ellipse cx="200" cy="72" rx="17" ry="6" fill="${main_darker_25}"/>
<path d="M140 146 Q200 166 260 146 V212 Q200 232 140 212 Z" fill="${accent}"/>
<path d="M140 152 Q200 172 260 152 M140 206 Q200 226 260 206" fill="none" stroke="${main}" stroke-width="2.5"/>
<g transform="translate(200 190)" fill="${main}">${emblem}</g>
