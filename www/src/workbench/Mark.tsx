/** The mark of FirnDB: snow on a mountain, hot at the top. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b3a57" />
      <path d="M5 24 L13 9 L18 17 L21 12 L27 24 Z" fill="#dceefa" />
      <path d="M13 9 L10 14.6 L13 13.4 L15.6 16 L16.4 14.4 Z" fill="#fbbf4d" />
    </svg>
  )
}
