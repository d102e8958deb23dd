package dev.hyaline.explorer.view;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.DataObject;
import java.util.List;

/**
 * The run behind a cell of a table, on one of its samples: as a command, and as a prompt and interventions that a live
 * page runs. Names of axes in braces, such as {@code {layer}}, stand for what the cell's step on that axis is called
 * here.
 *
 * @param command such as {@code hyaline edit --zero z --layers {layer} --heads {head}}
 * @param prompt the text of the run that is edited
 * @param source the text of the run that values come from; empty where there is none
 * @param edits the interventions as a JSON array; empty where a live page cannot make them
 * @param steps by axis, by step: what stands for it in command and edits
 */
public record CellEdit(String command, String prompt, String source, String edits, List<List<String>> steps) {
    public CellEdit {
        steps = steps.stream().map(List::copyOf).toList();
    }

    DataObject data(List<Integer> sizes) {
        if (!steps.stream().map(List::size).toList().equals(sizes)) {
            throw new BadShapeException(
                    "steps of the edit of a cell",
                    sizes.toString(),
                    steps.stream().map(List::size).toList().toString());
        }
        return DataObject.empty()
                .with("command", command)
                .with("prompt", prompt)
                .with("source", source)
                .with("edits", edits)
                .withObjects(
                        "steps",
                        steps.stream()
                                .map(of -> DataObject.empty().withTexts("names", of))
                                .toList());
    }
}
