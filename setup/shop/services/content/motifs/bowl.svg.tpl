<path d="M104 142 H272 Q268 234 218 246 H158 Q108 234 104 142 Z" fill="${accent}"/>
<path d="M104 142 H272 Q271 160 268 174 Q240 186 214 172 T160 180 T106 168 Q104 156 104 142 Z" fill="${accent_lighter_22}"/>
<rect x="158" y="242" width="60" height="13" rx="4" fill="${accent_darker_25}"/>
<ellipse cx="188" cy="142" rx="84" ry="25" fill="${accent_darker_15}"/>
<ellipse cx="188" cy="145" rx="75" ry="20" fill="${main}"/>
<path d="M136 148 q22 -14 46 -6 t56 0" fill="none" stroke="${main_lighter_40}" stroke-width="5" stroke-linecap="round" opacity=".8"/>
<g transform="rotate(9 316 180)">
<path d="M300 150 L296 206 M306 150 L304 206 M312 150 L312 206 M318 150 L320 206 M324 150 L328 206 M330 150 L336 206 " stroke="#d7b878" stroke-width="4"/>
<rect x="300" y="96" width="32" height="56" rx="6" fill="#c9a35c"/>
<path d="M300 128 h32 M300 140 h32" stroke="#8a6a30" stroke-width="4"/>
<path d="M292 204 Q316 226 340 204 Z" fill="#d7b878"/>
</g>
