/** The legend of the picture's shapes. */
export function Legend() {
  return (
    <div class="legend">
      <span>
        <svg width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">
          <path d="M7 0v12" stroke="var(--water)" stroke-width="2" />
        </svg>
        one commit: all of it or none
      </span>
      <span>
        <svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true">
          <rect class="good" x="1" y="1" width="14" height="10" rx="2" />
        </svg>
        succeeded
      </span>
      <span>
        <svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true">
          <rect class="bad" x="1" y="1" width="14" height="10" rx="2" />
        </svg>
        failed
      </span>
      <span>
        <svg width="18" height="12" viewBox="0 0 18 12" aria-hidden="true">
          <path class="pause" d="M0 3h14v8" />
        </svg>
        pause before the next attempt
      </span>
      <span>
        <svg width="18" height="12" viewBox="0 0 18 12" aria-hidden="true">
          <path class="cause held" d="M0 6h18" />
        </svg>
        waits
      </span>
      <span>
        <svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true">
          <rect class="fold" width="16" height="12" stroke="var(--line-strong)" stroke-dasharray="2 2" />
        </svg>
        folded: nothing ran
      </span>
    </div>
  );
}
