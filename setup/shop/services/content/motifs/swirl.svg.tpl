<path d="M78 240 L116 198 H300 L330 240 L306 258 H100 Z" fill="#fff8ec"/>
<ellipse cx="202" cy="182" rx="98" ry="72" fill="${main_darker_14}"/>
<ellipse cx="202" cy="172" rx="98" ry="70" fill="${main}"/>
<path d="M282 176 C282 216 246 228 204 228 C150 228 122 206 122 170 C122 132 158 116 200 116 C244 116 262 140 262 168 C262 196 236 208 206 208 C170 208 146 194 146 170 C146 146 170 136 198 136 C226 136 240 150 240 168 C240 184 224 192 206 192 C184 192 172 184 172 172 C172 160 186 154 200 156 C212 158 216 166 208 172" fill="none" stroke="${accent}" stroke-width="9" stroke-linecap="round"/>
<path d="M124 146 Q146 110 196 106" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".55"/>
<g fill="#fff" opacity=".9">
<rect x="150" y="124" width="9" height="6" rx="2"/>
<rect x="222" y="118" width="9" height="6" rx="2"/>
<rect x="262" y="160" width="8" height="6" rx="2"/>
<rect x="186" y="214" width="9" height="6" rx="2"/>
<rect x="136" y="188" width="8" height="6" rx="2"/>
<rect x="244" y="200" width="9" height="6" rx="2"/>
</g>
