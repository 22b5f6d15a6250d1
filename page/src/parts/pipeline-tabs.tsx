import { countText } from '../lib/format.ts';
import { figures } from '../lib/pipelines.ts';
import { useStore } from '../lib/store.ts';
import type { PipelineItem } from '../lib/types.ts';

interface TabsProps {
  readonly value: string | undefined;
  readonly count?: (item: PipelineItem) => number;
  readonly onChange: (pipeline: string) => void;
}

/** Chooses a pipeline. */
export function PipelineTabs({ value, count, onChange }: TabsProps) {
  const { pipelines } = useStore(figures);
  return (
    <div class="fields">
      <span class="field">
        <select aria-label="Pipeline" value={value ?? ''} onChange={(event) => onChange(event.currentTarget.value)}>
          {pipelines.map((item) => (
            <option key={item.name} value={item.name}>
              {item.name}
              {count !== undefined && count(item) > 0 ? ` · ${countText(count(item))}` : ''}
            </option>
          ))}
        </select>
      </span>
    </div>
  );
}
