package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The tokens and their ids while a tokenizer's files are read: no token twice, no id twice. */
final class Vocabulary {
    /** Far above any real vocabulary, and still a small table of ids. */
    static final int MAX_ID = (1 << 20) - 1;

    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<Integer, String> tokens = new HashMap<>();
    private final Map<Integer, byte[]> bytes = new HashMap<>();
    private final Set<String> leftOut = new HashSet<>();
    private int nextId;

    /** Adds a token spelled in the {@link ByteAlphabet}. */
    void add(String token, Json id) {
        put(token, id, ByteAlphabet.bytesOf(token));
    }

    /** Adds a token that stands for its own text, unless it is there already. */
    void addText(String token, Json id) {
        Integer known = ids.get(token);
        if (known == null) {
            put(token, id, token.getBytes(UTF_8));
        } else if (known != intOf(id)) {
            throw id.expected(known + ", the id of " + Printable.quoted(token) + " in the vocabulary");
        } else {
            bytes.put(known, token.getBytes(UTF_8));
        }
    }

    /** Adds a token spelled in the {@link ByteAlphabet} under an id not used yet; false if it is there already. */
    boolean add(String token, int id) {
        return add(token, id, ByteAlphabet.bytesOf(token));
    }

    /** Adds a token that stands for its own text under an id not used yet; false if it is there already. */
    boolean addText(String token, int id) {
        return add(token, id, token.getBytes(UTF_8));
    }

    private boolean add(String token, int id, byte[] meaning) {
        if (ids.putIfAbsent(token, id) != null) {
            return false;
        }
        tokens.put(id, token);
        bytes.put(id, meaning);
        nextId = Math.max(nextId, id + 1);
        return true;
    }

    private void put(String token, Json json, byte[] meaning) {
        int id = intOf(json);
        String other = tokens.putIfAbsent(id, token);
        if (other != null) {
            throw json.expected("an id of its own, not that of " + Printable.quoted(other));
        }
        ids.put(token, id);
        bytes.put(id, meaning);
        nextId = Math.max(nextId, id + 1);
    }

    static int intOf(Json id) {
        return id.integer(0, MAX_ID);
    }

    /** The id of a token; null if there is none. */
    @Nullable
    Integer id(String token) {
        return ids.get(token);
    }

    /** The least id above all others. */
    int nextId() {
        return nextId;
    }

    /** Leaves the next id without a token, once for each text, because other libraries give it to that text. */
    void leaveOut(String token) {
        if (leftOut.add(token)) {
            nextId++;
        }
    }

    /** Returns whether an id has a token. */
    boolean has(int id) {
        return tokens.containsKey(id);
    }

    /** Makes a token stand for its own text; it may be in the vocabulary already. */
    void standsForItself(String token) {
        bytes.put(ids.get(token), token.getBytes(UTF_8));
    }

    /** A copy of all tokens and their ids. */
    Map<String, Integer> ids() {
        // Not Map.copyOf, which searches all keys of one hash code, however many a hostile file has chosen.
        return new HashMap<>(ids);
    }

    /** The bytes of each token by id; null if an id has none. */
    byte[] @Nullable [] bytes() {
        int size = bytes.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        byte[][] byId = new byte[size][];
        bytes.forEach((id, meaning) -> byId[id] = meaning);
        return byId;
    }

    /** The token of each single byte; {@code missing} where there is none. */
    int[] byteTokens(int missing) {
        int[] byteTokens = new int[256];
        for (int b = 0; b < byteTokens.length; b++) {
            byteTokens[b] = ids.getOrDefault(String.valueOf(ByteAlphabet.charOf(b)), missing);
        }
        return byteTokens;
    }
}
