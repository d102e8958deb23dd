package dev.hyaline.instrument;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Turns good JSON into JSON that is well-formed for the most part and means something impossible. Reproducible. */
public final class HostileJson {
    private static final List<String> VALUES = List.of(
            "0",
            "1",
            "-1",
            "7",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "9".repeat(400),
            "-" + "9".repeat(400),
            "1e400",
            "1e38",
            "1e300",
            "0.5",
            "1." + "3".repeat(400),
            "1e-999999999",
            "NaN",
            "-Infinity",
            "null",
            "true",
            "\"\"",
            "\"all\"",
            "\"0\"",
            "\"0-999999999\"",
            "\"../../x\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\u001b[2J\"",
            "\"F64\"",
            "\"i64\"",
            "\"batch\"",
            "\"positions\"",
            "[]",
            "[0]",
            "[0,0]",
            "[0,9223372036854775807]",
            "[2147483647,2147483647,2147483647]",
            "{}",
            "{\"dump\":\".\"}",
            "[".repeat(200));

    private final Random random;

    public HostileJson(Random random) {
        this.random = random;
    }

    /** A copy with one to three values replaced, left out or written twice. */
    public byte[] mutate(byte[] json) {
        String text = new String(json, StandardCharsets.UTF_8);
        for (int i = random.nextInt(3); i >= 0; i--) {
            JsonNode root;
            try {
                root = JsonMapper.shared().readTree(text);
            } catch (RuntimeException e) {
                break; // It is broken enough.
            }
            text = change(root);
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String change(JsonNode root) {
        List<JsonNode> parents = new ArrayList<>();
        collect(root, parents);
        if (parents.isEmpty()) {
            return value();
        }
        JsonNode parent = parents.get(random.nextInt(parents.size()));
        int child = random.nextInt(parent.size());
        // Put in as text, for no tree holds most of the values.
        String mark = "@hostile@";
        String replacement = value();
        switch (parent) {
            case ArrayNode array -> {
                switch (random.nextInt(4)) {
                    case 0 -> array.remove(child);
                    case 1 -> array.insert(child, array.get(child).deepCopy());
                    default -> array.set(child, mark);
                }
            }
            case ObjectNode object -> {
                String key = List.copyOf(object.propertyNames()).get(child);
                switch (random.nextInt(6)) {
                    case 0 -> object.remove(key);
                    case 1 -> {
                        JsonNode other = object.get(key).deepCopy();
                        object.set(List.copyOf(object.propertyNames()).get(random.nextInt(object.size())), other);
                    }
                    case 2 -> object.set("another", object.get(key).deepCopy());
                    default -> object.put(key, mark);
                }
            }
            default -> throw new AssertionError(parent);
        }
        return root.toString().replace('"' + mark + '"', replacement);
    }

    private String value() {
        return VALUES.get(random.nextInt(VALUES.size()));
    }

    private static void collect(JsonNode node, List<JsonNode> parents) {
        if (node.isContainer() && !node.isEmpty()) {
            parents.add(node);
            node.forEach(child -> collect(child, parents));
        }
    }
}
