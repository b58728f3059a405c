import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  // Wherever the app is served.
  base: './',
  plugins: [react()],
  // Only because the package lies outside of this directory; one from a registry does not.
  server: { fs: { allow: ['.', '../../bindings/npm'] } },
})
