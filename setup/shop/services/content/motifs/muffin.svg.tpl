<g transform="translate(262 226) scale(.8) translate(-262 -226)">
<path d="M230 180 H346 L330 254 Q288 262 246 254 Z" fill="#fff8ec"/>
<path d="M248 184 L256 254 M264 184 L269 254 M280 184 L282 254 M296 184 L295 254 M312 184 L308 254 M328 184 L321 254 " stroke="${wall_darker_18}" stroke-width="4"/>
<path d="M218 184 Q206 152 238 144 Q248 108 288 110 Q330 108 338 144 Q370 152 358 184 Q288 200 218 184 Z" fill="${main}"/>
<path d="M244 150 Q254 120 284 118" fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".5"/>
<g fill="${accent}">
<circle cx="254" cy="160" r="9"/>
<circle cx="280" cy="142" r="10"/>
<circle cx="312" cy="150" r="9"/>
<circle cx="290" cy="168" r="8"/>
<circle cx="330" cy="170" r="8"/>
</g>
</g>
<path d="M110 180 H226 L210 254 Q168 262 126 254 Z" fill="#fff8ec"/>
<path d="M128 184 L136 254 M144 184 L149 254 M160 184 L162 254 M176 184 L175 254 M192 184 L188 254 M208 184 L201 254 " stroke="${wall_darker_18}" stroke-width="4"/>
<path d="M98 184 Q86 152 118 144 Q128 108 168 110 Q210 108 218 144 Q250 152 238 184 Q168 200 98 184 Z" fill="${main}"/>
<path d="M124 150 Q134 120 164 118" fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".5"/>
<g fill="${accent}">
<circle cx="134" cy="160" r="9"/>
<circle cx="160" cy="142" r="10"/>
<circle cx="192" cy="150" r="9"/>
<circle cx="170" cy="168" r="8"/>
<circle cx="210" cy="170" r="8"/>
</g>
