module.exports = {
  mode: 'production',
  entry: './src/main.js',
  module: { rules: [{ test: /index\.html$/, type: 'asset/resource', generator: { filename: '[name][ext]' } }] },
  // The engine alone is above what webpack thinks a page should have.
  performance: { hints: false },
}
