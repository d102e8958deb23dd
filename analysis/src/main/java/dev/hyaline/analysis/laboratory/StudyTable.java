package dev.hyaline.analysis.laboratory;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import dev.hyaline.files.RecordText;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorValues;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values by prompt, a column for each quantity: in safetensors, whose bits are kept, and in CSV, to be looked at.
 *
 * @param prompts number of rows
 * @param columns values by name, in order; arrays are not copied
 */
public record StudyTable(int prompts, Map<String, double[]> columns) {
    /** The key of the columns' order in the metadata of a file. */
    private static final String ORDER = "columns";

    /** @throws BadShapeException if a column has another number of rows */
    public StudyTable {
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
        columns.forEach((name, values) -> {
            if (values.length != prompts) {
                throw new BadShapeException(
                        "column " + Printable.quoted(name), prompts + " values", values.length + " values");
            }
        });
    }

    /**
     * A column.
     *
     * @throws BadInputException if there is none of the name
     */
    public double[] column(String name) {
        double[] values = columns.get(name);
        if (values == null) {
            throw new BadInputException("the table has no column " + Printable.quoted(name) + "; there are "
                    + Printable.listed(columns.keySet()));
        }
        return values;
    }

    /** Reads a file of safetensors. */
    static StudyTable read(Path file) {
        TensorValues values = TensorValues.open(file, InputErrors.INSTANCE);
        Map<String, double[]> columns = new LinkedHashMap<>();
        int prompts = 0;
        for (String name : order(file, values)) {
            double[] column = values.doubles(name, 0, values.elements(name));
            columns.put(name, column);
            prompts = column.length;
        }
        return new StudyTable(prompts, columns);
    }

    private static List<String> order(Path file, TensorValues values) {
        String order = values.metadata(ORDER)
                .orElseThrow(
                        () -> new BadInputException(file + " is no table of a study: its metadata has no columns"));
        return Json.read(InputErrors.INSTANCE, file.toString(), order.getBytes(StandardCharsets.UTF_8))
                .elements()
                .stream()
                .map(Json::string)
                .toList();
    }

    /** The files of the table under a name: {@code NAME.safetensors} and {@code NAME.csv}. */
    public Map<String, byte[]> files(String name, List<String> rowNames) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(name + ".safetensors", safetensors());
        files.put(name + ".csv", csv(rowNames));
        return files;
    }

    private byte[] safetensors() {
        List<TensorEntry> entries = columns.keySet().stream()
                .map(column -> new TensorEntry(column, Dtype.F64, List.of((long) prompts)))
                .toList();
        String order = new String(
                JsonText.compact(json -> {
                    json.writeStartArray();
                    columns.keySet().forEach(json::writeString);
                    json.writeEndArray();
                }),
                StandardCharsets.UTF_8);
        SafetensorsLayout layout = SafetensorsLayout.inOrder(entries, Map.of(ORDER, order));
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.toIntExact(layout.fileBytes())).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(layout.head());
        for (double[] column : columns.values()) {
            for (double value : column) {
                bytes.putDouble(value);
            }
        }
        return bytes.array();
    }

    private byte[] csv(List<String> rowNames) {
        StringBuilder text = new StringBuilder("pair,prompt");
        columns.keySet().forEach(name -> text.append(',').append(quoted(name)));
        text.append('\n');
        for (int row = 0; row < prompts; row++) {
            text.append(row).append(',').append(quoted(rowNames.get(row)));
            for (double[] column : columns.values()) {
                text.append(',').append(column[row]);
            }
            text.append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String quoted(String text) {
        return '"' + Printable.plain(text).replace("\"", "\"\"") + '"';
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
