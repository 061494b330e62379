import { withBase } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import './style.css';

/** The inspector, below the first words of the home page. */
function picture() {
  return h('div', { class: 'home-picture' }, [
    h('img', {
      src: withBase('/images/inspector.webp'),
      width: 1180,
      height: 720,
      alt: 'The inspector: a lobby with its members, and the requests that changed it',
    }),
  ]);
}

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'home-hero-after': picture }),
};
