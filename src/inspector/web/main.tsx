/** The inspector's page begins here. */

import { render } from 'preact';
import { joinCopiedParts } from './copied-lines.ts';
import { followServer } from './live.ts';
import { Shell } from './shell.tsx';
import './styles/theme.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/pages.css';

const element = document.getElementById('page');
if (element !== null) render(<Shell />, element);
joinCopiedParts();
void followServer();
