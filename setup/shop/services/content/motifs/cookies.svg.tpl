<path d="M96 240 a72 16 0 0 0 144 0 v-14 h-144 Z" fill="${main_darker_18}"/>
<ellipse cx="168" cy="226" rx="72" ry="17" fill="${main}"/>
<path d="M104 216 a72 16 0 0 0 144 0 v-14 h-144 Z" fill="${main_darker_18}"/>
<ellipse cx="176" cy="202" rx="72" ry="17" fill="${main}"/>
<path d="M92 192 a72 16 0 0 0 144 0 v-14 h-144 Z" fill="${main_darker_18}"/>
<ellipse cx="164" cy="178" rx="72" ry="17" fill="${main}"/>
<path d="M101 168 a72 16 0 0 0 144 0 v-14 h-144 Z" fill="${main_darker_18}"/>
<ellipse cx="173" cy="154" rx="72" ry="17" fill="${main}"/>
<g fill="${accent}">
<ellipse cx="140" cy="152" rx="9" ry="5" transform="rotate(7 140 152)"/>
<ellipse cx="172" cy="146" rx="9" ry="5" transform="rotate(-1 172 146)"/>
<ellipse cx="206" cy="156" rx="9" ry="5" transform="rotate(-7 206 156)"/>
<ellipse cx="168" cy="161" rx="9" ry="5" transform="rotate(-5 168 161)"/>
</g>
<ellipse cx="286" cy="206" rx="54" ry="50" fill="${main_darker_18}"/>
<ellipse cx="290" cy="204" rx="52" ry="49" fill="${main}"/>
<g fill="${accent}">
<circle cx="272" cy="188" r="9"/>
<circle cx="300" cy="180" r="7"/>
<circle cx="306" cy="212" r="9"/>
<circle cx="278" cy="224" r="7"/>
<circle cx="290" cy="200" r="5"/>
</g>
<g fill="#fff">
<rect x="262" y="206" width="5" height="5" rx="1"/>
<rect x="284" y="170" width="5" height="5" rx="1"/>
<rect x="318" y="194" width="5" height="5" rx="1"/>
<rect x="292" y="232" width="5" height="5" rx="1"/>
<rect x="188" y="150" width="5" height="4" rx="1"/>
</g>
