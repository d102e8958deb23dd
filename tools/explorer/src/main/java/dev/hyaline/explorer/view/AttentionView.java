package dev.hyaline.explorer.view;

import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;

/**
 * A prompt's tokens, and where each head looks from each of them: by its pattern, by the pattern times the length of
 * the values that it moves, or by the scores before the softmax.
 */
public final class AttentionView implements DataView {
    /** The name of the view. */
    public static final String NAME = "tokens";

    private final ViewHeading heading;
    private final AttentionRecord record;

    private AttentionView(ViewHeading heading, AttentionRecord record) {
        this.heading = heading;
        this.record = record;
    }

    /**
     * A view of the attention on a prompt.
     *
     * @param heading with the prompt's tokens
     */
    public static AttentionView of(ViewHeading heading, AttentionRecord record) {
        return new AttentionView(heading, record);
    }

    @Override
    public ViewData data() {
        return new ViewData(NAME, heading, record.data());
    }

    @Override
    public void write(HtmlWriter html) {
        html.element("p", "Each head's largest weight from the last token.", "class", "lead");
        DataTable table = DataTable.of(
                "Attention from the last token",
                TableColumn.text("head", "head"),
                TableColumn.number("key", "key"),
                TableColumn.text("token", "token"),
                TableColumn.number("weight", "weight"));
        int query = record.positions() - 1;
        for (int layer = 0; layer < record.layers(); layer++) {
            for (int head = 0; head < record.heads(); head++) {
                int best = 0;
                for (int key = 1; key <= query; key++) {
                    float weight = record.weight(layer, head, query, key);
                    if (!Float.isNaN(weight) && !(weight <= record.weight(layer, head, query, best))) {
                        best = key;
                    }
                }
                table = table.row(
                        TableCell.of(layer + "." + head),
                        TableCell.of(best),
                        TableCell.of(StaticText.of(heading.tokens().get(best))),
                        TableCell.of(record.weight(layer, head, query, best)));
            }
        }
        table.write(html);
    }

    @Override
    public String toString() {
        return "view of " + record;
    }
}
