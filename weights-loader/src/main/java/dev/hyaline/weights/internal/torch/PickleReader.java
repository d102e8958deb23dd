package dev.hyaline.weights.internal.torch;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.torch.Pickled.Other;
import dev.hyaline.weights.internal.torch.Pickled.Tuple;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A reader of Python pickles of plain values and tensors, protocols 2 to 5, as data. It knows the opcodes that such
 * pickles need and refuses the rest by name; the meaning of names is left to the {@link Rebuilder}, and none is ever
 * looked up.
 *
 * <p>Each opcode makes at most one small object, so that the memory needed is proportional to the pickle, whose length
 * and number of values are bounded.
 *
 * @see <a href="https://github.com/python/cpython/blob/main/Lib/pickletools.py">pickletools.py on the opcodes</a>
 */
final class PickleReader {
    /** A real checkpoint has some thousands of opcodes, or some hundred thousand with a vocabulary in it. */
    private static final int MAX_OPCODES = 1 << 21;

    private static final int MAX_INTEGER_LENGTH = 255;
    private static final int MAX_TEXT_LENGTH = 1 << 20;

    private final String label;
    private final ByteCursor cursor;
    private final Rebuilder rebuilder;
    private final List<Object> stack = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();

    private PickleReader(String label, ByteCursor cursor, Rebuilder rebuilder) {
        this.label = label;
        this.cursor = cursor;
        this.rebuilder = rebuilder;
    }

    /** Reads one pickle and leaves the cursor after it. */
    static Object read(String label, ByteCursor cursor) {
        return read(label, cursor, new Rebuilder(label));
    }

    /** Reads one pickle, and collects its storages in the rebuilder. */
    static Object read(String label, ByteCursor cursor, Rebuilder rebuilder) {
        return new PickleReader(label, cursor, rebuilder).run();
    }

    private Object run() {
        for (int i = 0; i < MAX_OPCODES; i++) {
            long at = cursor.position();
            int opcode = cursor.u8();
            if (opcode == '.') {
                return pop();
            }
            if (!(number(opcode) || text(opcode) || collection(opcode) || memory(opcode) || object(opcode))) {
                throw bad(
                        "a pickle of plain values and tensors, protocol 2 to 5",
                        "opcode " + Printable.quoted(String.valueOf((char) opcode)) + " (" + opcode + ") at " + at);
            }
        }
        throw bad("a pickle of at most " + MAX_OPCODES + " opcodes", "a longer one");
    }

    private boolean number(int opcode) {
        switch (opcode) {
            case 'N' -> push(null);
            case 0x88 -> push(true);
            case 0x89 -> push(false);
            case 'K' -> push((long) cursor.u8());
            case 'M' -> push((long) cursor.u16());
            case 'J' -> push((long) cursor.i32());
            case 0x8A -> push(integer(cursor.u8()));
            case 0x8B -> push(integer(cursor.u32()));
            case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(cursor.i64())));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Reads an integer in little-endian two's complement. */
    private Object integer(long length) {
        if (length > MAX_INTEGER_LENGTH) {
            throw bad("integers of at most " + MAX_INTEGER_LENGTH + " bytes", length + " bytes");
        }
        byte[] bytes = cursor.bytes(length);
        for (int i = 0; i < bytes.length / 2; i++) {
            byte b = bytes[i];
            bytes[i] = bytes[bytes.length - 1 - i];
            bytes[bytes.length - 1 - i] = b;
        }
        BigInteger value = bytes.length == 0 ? BigInteger.ZERO : new BigInteger(bytes);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private boolean text(int opcode) {
        switch (opcode) {
            case 0x8C, 'U' -> push(text((long) cursor.u8()));
            case 'X', 'T' -> push(text(cursor.u32()));
            case 0x8D -> push(text(cursor.size()));
            case 'C' -> skip(cursor.u8());
            case 'B' -> skip(cursor.u32());
            case 0x8E, 0x96 -> skip(cursor.size());
            default -> {
                return false;
            }
        }
        return true;
    }

    private String text(long length) {
        if (length > MAX_TEXT_LENGTH) {
            throw bad("text of at most " + MAX_TEXT_LENGTH + " bytes", length + " bytes");
        }
        return cursor.text(length);
    }

    private void skip(long bytes) {
        cursor.skip(bytes);
        push(new Other("bytes"));
    }

    private boolean collection(int opcode) {
        switch (opcode) {
            case '(' -> marks.add(stack.size());
            case '0' -> pop();
            case '1' -> popToMark();
            case ')' -> push(new Tuple(List.of()));
            case 0x85 -> push(new Tuple(popLast(1)));
            case 0x86 -> push(new Tuple(popLast(2)));
            case 0x87 -> push(new Tuple(popLast(3)));
            case 't' -> push(new Tuple(popToMark()));
            case ']' -> push(new ArrayList<>());
            case 'l' -> push(popToMark());
            case 'a' -> {
                Object item = pop();
                list().add(item);
            }
            case 'e' -> {
                List<Object> items = popToMark();
                list().addAll(items);
            }
            case '}' -> push(new LinkedHashMap<>());
            case 'd' -> {
                List<Object> items = popToMark();
                push(new LinkedHashMap<>());
                putAll(items);
            }
            case 's' -> putAll(popLast(2));
            case 'u' -> putAll(popToMark());
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean memory(int opcode) {
        switch (opcode) {
            case '2' -> push(top());
            case 'q' -> memo.put((long) cursor.u8(), top());
            case 'r' -> memo.put(cursor.u32(), top());
            case 0x94 -> memo.put((long) memo.size(), top());
            case 'h' -> push(remembered(cursor.u8()));
            case 'j' -> push(remembered(cursor.u32()));
            default -> {
                return false;
            }
        }
        return true;
    }

    private Object remembered(long index) {
        if (!memo.containsKey(index)) {
            throw bad("a value remembered as " + index, "none");
        }
        return memo.get(index);
    }

    private boolean object(int opcode) {
        switch (opcode) {
            case 0x80 -> {
                int protocol = cursor.u8();
                if (protocol < 2 || protocol > 5) {
                    throw bad("a pickle of protocol 2 to 5", "protocol " + protocol);
                }
            }
            case 0x95 -> cursor.size(); // A frame: only a hint on how much to read ahead.
            case 'c' -> push(rebuilder.global(line(), line()));
            case 0x93 -> {
                List<Object> names = popLast(2);
                if (!(names.get(0) instanceof String module) || !(names.get(1) instanceof String name)) {
                    throw bad("a module and a name", Pickled.kindOf(names.get(1)));
                }
                push(rebuilder.global(module, name));
            }
            case 'R' -> {
                List<Object> call = popLast(2);
                push(rebuilder.call(call.get(0), call.get(1)));
            }
            case 'Q' -> push(rebuilder.storage(pop()));
            case 'b' -> {
                // Attributes of an OrderedDict, such as the versions in a state dictionary's _metadata: not needed.
                pop();
                map();
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Reads text up to a line end. */
    private String line() {
        StringBuilder line = new StringBuilder();
        for (int c = cursor.u8(); c != '\n'; c = cursor.u8()) {
            if (c < ' ' || c > '~' || line.length() == 255) {
                throw bad("a name of at most 255 ASCII characters", Printable.quoted(line.toString()) + " and more");
            }
            line.append((char) c);
        }
        return line.toString();
    }

    private void push(@Nullable Object value) {
        stack.add(value);
    }

    private Object top() {
        int floor = marks.isEmpty() ? 0 : marks.getLast();
        if (stack.size() <= floor) {
            throw bad("a value to work on before " + cursor.position(), "none");
        }
        return stack.getLast();
    }

    private Object pop() {
        Object value = top();
        stack.removeLast();
        return value;
    }

    private List<Object> popLast(int count) {
        List<Object> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.addFirst(pop());
        }
        return items;
    }

    private List<Object> popToMark() {
        if (marks.isEmpty()) {
            throw bad("a mark before " + cursor.position(), "none");
        }
        List<Object> above = stack.subList(marks.removeLast(), stack.size());
        List<Object> items = new ArrayList<>(above);
        above.clear();
        return items;
    }

    @SuppressWarnings("unchecked") // Every list of this reader holds anything.
    private List<Object> list() {
        if (top() instanceof List<?> list) {
            return (List<Object>) list;
        }
        throw bad("a list to add to", Pickled.kindOf(top()));
    }

    @SuppressWarnings("unchecked") // Every map of this reader holds anything.
    private Map<Object, Object> map() {
        if (top() instanceof Map<?, ?> map) {
            return (Map<Object, Object>) map;
        }
        throw bad("a dictionary to add to", Pickled.kindOf(top()));
    }

    private void putAll(List<Object> keysAndValues) {
        if (keysAndValues.size() % 2 != 0) {
            throw bad("keys and values in pairs", keysAndValues.size() + " of them");
        }
        Map<Object, Object> map = map();
        for (int i = 0; i < keysAndValues.size(); i += 2) {
            map.put(rebuilder.key(keysAndValues.get(i)), keysAndValues.get(i + 1));
        }
    }

    private BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(label, expected, found);
    }
}
