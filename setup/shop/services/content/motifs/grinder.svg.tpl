<path d="M200 86 L292 74" stroke="${accent_darker_25}" stroke-width="10" stroke-linecap="round"/>
<rect x="280" y="42" width="24" height="36" rx="11" fill="${main}"/>
<rect x="192" y="78" width="16" height="26" rx="4" fill="${accent_darker_25}"/>
<path d="M156 102 H244 L238 130 H162 Z" fill="${main}"/>
<rect x="160" y="128" width="80" height="124" rx="10" fill="${accent}"/>
<rect x="168" y="128" width="12" height="124" fill="${accent_lighter_45}"/>
<rect x="216" y="128" width="24" height="124" rx="8" fill="${accent_darker_25}" opacity=".6"/>
<rect x="156" y="172" width="88" height="46" rx="6" fill="${main}"/>
<path d="M156 184 h88 M156 206 h88" stroke="#2b1d14" stroke-width="2" opacity=".35"/>
<rect x="156" y="244" width="88" height="12" rx="5" fill="${accent_darker_25}"/>
<g transform="translate(288 248) rotate(20)">
<ellipse rx="12" ry="8" fill="#2b1d14"/>
<path d="M-10 0 Q0 -5 10 0" fill="none" stroke="#8a6a50" stroke-width="2"/>
</g>
<g transform="translate(312 254) rotate(-30)">
<ellipse rx="12" ry="8" fill="#2b1d14"/>
<path d="M-10 0 Q0 -5 10 0" fill="none" stroke="#8a6a50" stroke-width="2"/>
</g>
<g transform="translate(300 234) rotate(70)">
<ellipse rx="12" ry="8" fill="#2b1d14"/>
<path d="M-10 0 Q0 -5 10 0" fill="none" stroke="#8a6a50" stroke-width="2"/>
</g>
<g transform="translate(110 250) rotate(-15)">
<ellipse rx="12" ry="8" fill="#2b1d14"/>
<path d="M-10 0 Q0 -5 10 0" fill="none" stroke="#8a6a50" stroke-width="2"/>
</g>
