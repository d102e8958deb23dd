package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.ResultTable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** How much is shown of long tables. */
public final class TopOption implements CheckedOptions {
    @Option(
            names = "--top",
            paramLabel = "N",
            description = {
                "Of tables, show only the N cells with the largest effects; of lists, the N largest. JSON names them as"
                        + " top, beside the whole; the files of --out have all."
            })
    private @Nullable Integer top;

    @Override
    public void check() {
        if (top != null) {
            CheckedOptions.requireAtLeast("--top", 1, top);
        }
    }

    /** The number of cells or rows to show; null if none is given. */
    public @Nullable Integer count() {
        return top;
    }

    /** The number of rows to show, or the usual one. */
    public int count(int usual) {
        return top == null ? usual : top;
    }

    /** Writes the names of a table's cells with the largest effects, if so many are asked for. */
    public void writeJson(JsonGenerator json, ResultTable table) {
        if (top != null) {
            json.writeArrayPropertyStart("top");
            for (ResultTable.RankedCell cell : table.top(top)) {
                json.writeStartArray();
                cell.labels().forEach(json::writeString);
                json.writeEndArray();
            }
            json.writeEndArray();
        }
    }

    /** Writes the first of ranked names, if so many are asked for. */
    public void writeNames(JsonGenerator json, List<String> ranked) {
        if (top != null) {
            json.writeArrayPropertyStart("top");
            ranked.stream().limit(top).forEach(json::writeString);
            json.writeEndArray();
        }
    }
}
