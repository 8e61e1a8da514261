<path d="M134 62 H266 L222 136 H178 Z" fill="#fff8ec"/>
<path d="M150 74 H250 L226 116 H174 Z" fill="#5a3824"/>
<path d="M128 58 H272 L224 142 H176 Z" fill="${accent}" opacity=".45"/>
<path d="M144 66 L180 132" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".6"/>
<rect x="168" y="132" width="64" height="20" rx="9" fill="${main}"/>
<rect x="154" y="150" width="92" height="9" rx="4" fill="${accent}"/>
<path d="M200 160 V200" stroke="#5a3824" stroke-width="4" stroke-dasharray="9 6"/>
<path d="M170 160 H230 V172 Q276 190 270 236 Q268 256 248 256 H152 Q132 256 130 236 Q124 190 170 172 Z" fill="${accent}" opacity=".5"/>
<path d="M138 212 H262 Q268 226 262 240 Q258 249 246 249 H154 Q142 249 138 240 Q132 226 138 212 Z" fill="#5a3824"/>
<ellipse cx="200" cy="212" rx="62" ry="8" fill="#7b5238"/>
<path d="M150 196 Q140 212 144 236" fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".7"/>
