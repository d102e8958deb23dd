package dev.hyaline.corpora;

import dev.hardwood.metadata.LogicalType;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqIntList;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqLongList;
import dev.hardwood.schema.FileSchema;
import dev.hardwood.schema.SchemaNode;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The column of a Parquet file that a corpus is read from.
 *
 * @param type of a text, or of a list's elements
 */
record DocumentColumn(String name, PhysicalType type) {
    private static final String TEXT = "text";
    private static final List<String> NAMES = List.of(TEXT, "tokens", "input_ids");

    static DocumentColumn of(FileSchema schema) throws IOException {
        List<SchemaNode> columns = schema.getRootNode().children();
        List<SchemaNode> found =
                columns.stream().filter(column -> NAMES.contains(column.name())).toList();
        if (found.isEmpty()) {
            throw new UnreadableColumnException("it has no column text, tokens or input_ids; its columns are "
                    + columns.stream()
                            .map(column -> Printable.plain(column.name()))
                            .collect(Collectors.joining(", ")));
        }
        if (found.size() > 1) {
            throw new UnreadableColumnException("its columns "
                    + found.stream().map(SchemaNode::name).collect(Collectors.joining(" and "))
                    + " exclude each other: a document is read from one of them; write the file without the other");
        }
        SchemaNode column = found.getFirst();
        return new DocumentColumn(column.name(), column.name().equals(TEXT) ? text(column) : tokens(column));
    }

    private static PhysicalType text(SchemaNode column) throws IOException {
        if (column instanceof SchemaNode.PrimitiveNode values
                && values.type() == PhysicalType.BYTE_ARRAY
                && values.logicalType() instanceof LogicalType.StringType) {
            return values.type();
        }
        throw wrongType(column, "strings");
    }

    private static PhysicalType tokens(SchemaNode column) throws IOException {
        if (column instanceof SchemaNode.GroupNode list
                && list.isList()
                && list.getListElement() instanceof SchemaNode.PrimitiveNode values
                && (values.type() == PhysicalType.INT32 || values.type() == PhysicalType.INT64)
                && (values.logicalType() == null || values.logicalType() instanceof LogicalType.IntType)) {
            return values.type();
        }
        throw wrongType(column, "lists of integers");
    }

    private static IOException wrongType(SchemaNode column, String expected) {
        return new UnreadableColumnException(
                "its column " + column.name() + " must hold " + expected + ", found " + describe(column));
    }

    private static String describe(SchemaNode node) {
        return switch (node) {
            case SchemaNode.GroupNode list
            when list.isList() && list.getListElement() != null -> "lists of " + describe(list.getListElement());
            case SchemaNode.GroupNode group -> group.isMap() ? "maps" : "groups of columns";
            case SchemaNode.PrimitiveNode values ->
                values.logicalType() == null
                        ? values.type().toString()
                        : values.type() + " (" + values.logicalType() + ")";
        };
    }

    /**
     * A row as a line of JSON.
     *
     * @param number of the row, from 0
     */
    byte[] line(RowReader row, long number) throws IOException {
        if (row.isNull(name)) {
            throw new UnreadableColumnException(
                    "its row " + number + " has no " + name + " (it is null); leave such rows out");
        }
        byte[] json;
        if (name.equals(TEXT)) {
            String text = row.getString(name);
            json = JsonText.compact(out -> {
                out.writeStartObject();
                out.writeStringProperty(TEXT, text);
                out.writeEndObject();
            });
        } else {
            int[] tokens = tokens(row.getList(name), number);
            json = JsonText.compact(out -> {
                out.writeStartObject();
                out.writeName("tokens");
                out.writeArray(tokens, 0, tokens.length);
                out.writeEndObject();
            });
        }
        ByteArrayOutputStream line = new ByteArrayOutputStream(json.length + 1);
        line.writeBytes(json);
        line.write('\n');
        return line.toByteArray();
    }

    private int[] tokens(PqList list, long number) throws IOException {
        int[] tokens = new int[list.size()];
        PqIntList ints = type == PhysicalType.INT32 ? list.ints() : null;
        PqLongList longs = type == PhysicalType.INT64 ? list.longs() : null;
        for (int i = 0; i < tokens.length; i++) {
            if (list.isNull(i)) {
                throw new UnreadableColumnException("its row " + number + " has a null among its " + name);
            }
            long token = ints != null ? ints.get(i) : longs != null ? longs.get(i) : -1;
            if (token != (int) token) {
                throw new UnreadableColumnException(
                        "its row " + number + " has " + token + " among its " + name + ", which is no token id");
            }
            tokens[i] = (int) token;
        }
        return tokens;
    }
}
