<ellipse cx="200" cy="244" rx="112" ry="17" fill="${accent}"/>
<ellipse cx="200" cy="241" rx="74" ry="10" fill="${accent_darker_14}"/>
<path d="M266 158 q46 -6 42 26 q-4 30 -52 28" fill="none" stroke="${accent_darker_14}" stroke-width="13"/>
<path d="M122 146 H278 Q276 236 222 244 H178 Q124 236 122 146 Z" fill="${accent}"/>
<path d="M246 160 H276 Q270 232 222 244 H206 Q244 226 246 160 Z" fill="${accent_darker_14}"/>
<ellipse cx="200" cy="146" rx="78" ry="25" fill="${accent_darker_14}"/>
<ellipse cx="200" cy="148" rx="69" ry="20" fill="${main}"/>
<path d="M200 162 C170 158 158 146 168 140 C178 136 190 140 200 150 C210 140 222 136 232 140 C242 146 230 158 200 162 Z" fill="#fff8ec"/>
<g fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".75">
<path d="M174 112 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M200 112 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M226 112 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
</g>
