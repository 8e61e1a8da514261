<ellipse cx="200" cy="214" rx="122" ry="17" fill="#fff"/>
<ellipse cx="200" cy="210" rx="122" ry="15" fill="#f1ece4"/>
<path d="M186 226 H214 L222 252 Q200 260 178 252 Z" fill="#e2dad0"/>
<ellipse cx="200" cy="254" rx="46" ry="8" fill="#f1ece4"/>
<path d="M100 126 H300 V198 Q300 214 200 214 Q100 214 100 198 Z" fill="${main}"/>
<path d="M100 150 Q200 172 300 150 V160 Q200 182 100 160 Z" fill="${accent}"/>
<path d="M100 178 Q200 200 300 178 V187 Q200 209 100 187 Z" fill="${accent}"/>
<path d="M100 126 Q100 150 112 140 Q120 132 128 150 Q136 164 146 148 Q156 138 166 158 Q176 172 186 156 Q196 144 208 160 Q218 170 228 154 Q240 140 250 152 Q258 162 268 146 Q278 132 286 144 Q298 152 300 126 Z" fill="${accent}"/>
<ellipse cx="200" cy="126" rx="100" ry="24" fill="${accent_lighter_30}"/>
<path d="M200 126 L262 145 Q238 152 208 150 Z" fill="${main_darker_25}"/>
<path d="M200 126 L262 145 V206 Q236 212 208 214 L200 198 Z" fill="${main_darker_25}" opacity=".88"/>
<path d="M204 160 L262 168 M204 186 L262 193" stroke="${accent}" stroke-width="7"/>
<g fill="${main}">
<circle cx="112" cy="120" r="8"/>
<circle cx="134" cy="113" r="8"/>
<circle cx="156" cy="108" r="8"/>
<circle cx="178" cy="105" r="8"/>
<circle cx="200" cy="104" r="8"/>
<circle cx="222" cy="105" r="8"/>
<circle cx="244" cy="108" r="8"/>
<circle cx="266" cy="113" r="8"/>
<circle cx="288" cy="120" r="8"/>
</g>
