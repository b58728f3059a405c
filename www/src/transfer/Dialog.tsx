/** A dialog above the page, with its title and what can be done. */

import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import './transfer.css'

interface Props {
  readonly title: string
  readonly open: boolean
  readonly onClose: () => void
  /** The buttons at the end. */
  readonly actions: ReactNode
  readonly children: ReactNode
  readonly isSmall?: boolean
}

export function Dialog({ title, open, onClose, actions, children, isSmall = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // In a layout effect: to close it in a later one puts two costly updates into one task.
  useLayoutEffect(() => {
    if (open && !dialog.current?.open) {
      dialog.current?.showModal()
    } else if (!open) {
      dialog.current?.close()
    }
  }, [open])
  return (
    <dialog ref={dialog} className={isSmall ? 'transfer transfer-small' : 'transfer'} aria-labelledby={id} onClose={onClose}>
      <h2 id={id} className="transfer-title">
        {title}
      </h2>
      <div className="transfer-body">{open && children}</div>
      <footer className="transfer-actions">{actions}</footer>
    </dialog>
  )
}

interface Question {
  readonly title: string
  readonly open: boolean
  /** What the button says that does it. */
  readonly verb: string
  readonly onYes: () => void
  readonly onNo: () => void
  readonly children: ReactNode
}

/** Asks before something is lost. */
export function ConfirmDialog({ title, open, verb, onYes, onNo, children }: Question) {
  return (
    <Dialog
      title={title}
      open={open}
      onClose={onNo}
      isSmall
      actions={
        <>
          <button type="button" className="transfer-button" onClick={onNo}>
            Keep everything
          </button>
          <button type="button" className="transfer-button transfer-danger" onClick={onYes}>
            {verb}
          </button>
        </>
      }
    >
      {children}
    </Dialog>
  )
}
