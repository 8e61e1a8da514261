<path d="M262 150 q52 -8 50 34 q-2 40 -56 36" fill="none" stroke="${main_darker_20}" stroke-width="15"/>
<path d="M130 128 H270 V226 Q270 254 240 254 H160 Q130 254 130 226 Z" fill="${main_lighter_12}"/>
<path d="M242 128 H270 V226 Q270 254 240 254 H226 Q242 246 242 226 Z" fill="${main_darker_20}" opacity=".7"/>
<path d="M130 174 H270 V202 H130 Z" fill="${accent}" opacity=".85"/>
<path d="M136 188 l14 -9 l14 18 l14 -18 l14 18 l14 -18 l14 18 l14 -18 l14 18 l16 -9" fill="none" stroke="${main_darker_20}" stroke-width="3"/>
<ellipse cx="200" cy="128" rx="70" ry="20" fill="${main_darker_20}"/>
<ellipse cx="200" cy="130" rx="61" ry="15" fill="#6a3d25"/>
<g fill="#fff8ec">
<rect x="166" y="112" width="32" height="24" rx="8" transform="rotate(-10 182 124)"/>
<rect x="204" y="114" width="30" height="22" rx="8" transform="rotate(12 219 125)"/>
</g>
<g fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".75">
<path d="M174 98 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M200 98 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
<path d="M226 98 c-14 -16 14 -26 0 -42 c-9 -11 4 -20 2 -28"/>
</g>
