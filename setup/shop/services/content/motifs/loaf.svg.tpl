<rect x="62" y="238" width="276" height="16" rx="8" fill="#b98a5b"/>
<rect x="62" y="238" width="276" height="6" rx="3" fill="#d3a878"/>
<path d="M96 238 V160 Q92 108 176 108 Q270 108 266 160 V238 Z" fill="${main_darker_22}"/>
<path d="M94 158 Q92 106 178 106 Q268 106 268 160 q-6 16 -16 0 q-8 -8 -14 10 q-8 22 -18 2 q-8 -16 -18 2 q-10 28 -20 4 q-8 -18 -18 -4 q-8 14 -16 -2 q-8 -14 -16 6 q-8 14 -16 -8 q-10 -14 -22 -12 Z" fill="${accent}"/>
<g fill="${main_darker_22}">
<circle cx="128" cy="132" r="4"/>
<circle cx="150" cy="120" r="4"/>
<circle cx="172" cy="128" r="4"/>
<circle cx="196" cy="118" r="4"/>
<circle cx="214" cy="130" r="4"/>
<circle cx="236" cy="126" r="4"/>
<circle cx="184" cy="140" r="4"/>
</g>
<g transform="rotate(8 310 220)">
<path d="M288 238 V186 Q288 160 314 160 Q340 160 340 186 V238 Z" fill="${main_darker_22}"/>
<path d="M294 238 V188 Q294 168 314 168 Q334 168 334 188 V238 Z" fill="${main_lighter_42}"/>
<g fill="${main}" opacity=".6">
<circle cx="322" cy="210" r="3"/>
<circle cx="306" cy="222" r="3"/>
</g>
</g>
