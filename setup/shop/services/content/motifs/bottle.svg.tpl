<path d="M144 66 h34 v30 q22 12 22 38 v110 q0 12 -12 12 h-54 q-12 0 -12 -12 V134 q0 -26 22 -38 Z" fill="${main}"/>
<rect x="141" y="52" width="40" height="20" rx="5" fill="${accent}"/>
<path d="M132 136 q0 -20 16 -30 v138 h-10 q-6 0 -6 -8 Z" fill="#fff" opacity=".18"/>
<rect x="122" y="156" width="78" height="66" fill="#fff8ec"/>
<g transform="translate(161 188)" fill="${main}">${emblem}</g>
<path d="M228 158 h74 l-8 92 q-1 6 -8 6 h-42 q-7 0 -8 -6 Z" fill="#fff" opacity=".55"/>
<path d="M231 190 h68 l-5 58 q-1 5 -7 5 h-44 q-6 0 -7 -5 Z" fill="${main_darker_30}"/>
<g fill="#fff" opacity=".6">
<rect x="240" y="178" width="22" height="22" rx="4" transform="rotate(-12 251 189)"/>
<rect x="268" y="182" width="20" height="20" rx="4" transform="rotate(16 278 192)"/>
</g>
