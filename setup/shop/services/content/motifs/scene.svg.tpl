<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" role="img">
<title>${title}</title>
<rect width="400" height="300" fill="${wall}"/>
<circle cx="${light_x}" cy="${light_y}" r="118" fill="#fff" opacity=".45"/>
<circle cx="${light_x}" cy="${light_y}" r="84" fill="#fff" opacity=".35"/>
<rect y="236" width="400" height="64" fill="${wall_darker_12}"/>
<rect y="236" width="400" height="5" fill="#fff" opacity=".35"/>
<ellipse cx="200" cy="259" rx="118" ry="13" fill="#2b1d14" opacity=".16"/>
${motif}</svg>
