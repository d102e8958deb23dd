package dev.hyaline.weights.internal.torch;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The directory of a zip archive whose entries are uncompressed, as {@code torch.save} writes them, so that they can be
 * used in place. It is checked against the entries' own headers; nothing is compressed, encrypted or in two entries at
 * once.
 *
 * @see <a href="https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT">the format</a>
 */
public final class ZipArchive {
    private static final long END = 0x06054b50L;
    private static final long END_64 = 0x06064b50L;
    private static final long LOCATOR_64 = 0x07064b50L;
    private static final long DIRECTORY_ENTRY = 0x02014b50L;
    private static final long LOCAL_HEADER = 0x04034b50L;

    private static final int END_BYTES = 22;
    private static final int LOCATOR_BYTES = 20;
    private static final int DIRECTORY_ENTRY_BYTES = 46;
    private static final int MAX_COMMENT_LENGTH = 0xFFFF;

    /** The content of a 32-bit field whose value is in a 64-bit extra field. */
    private static final long SEE_EXTRA = 0xFFFFFFFFL;

    private static final int SEE_END_64 = 0xFFFF;
    private static final int EXTRA_64 = 1;
    private static final int ENCRYPTED = 1;
    private static final int SIZES_FOLLOW = 8;

    private final MappedFile file;
    private final ByteCursor cursor;
    private final Map<String, MemorySegment> entries = new LinkedHashMap<>();

    private ZipArchive(MappedFile file) {
        this.file = file;
        this.cursor = new ByteCursor(file.label(), file.bytes());
    }

    /** The content of every entry by its name. */
    public static Map<String, MemorySegment> entries(MappedFile file) {
        ZipArchive archive = new ZipArchive(file);
        archive.read(archive.findDirectory());
        return archive.entries;
    }

    private record Directory(long offset, long bytes, long count) {}

    private record Entry(String name, long header, long bytes, int flags) {}

    private record Extent(String name, long begin, long end) {}

    private Directory findDirectory() {
        long last = file.size() - END_BYTES;
        for (long at = last; at >= Math.max(0, last - MAX_COMMENT_LENGTH); at--) {
            if (cursor.at(at).u32() == END
                    && at + END_BYTES + cursor.at(at + 20).u16() == file.size()) {
                return directory(at);
            }
        }
        throw file.bad("a zip archive's directory at its end", "none: the file may have been cut short");
    }

    private Directory directory(long end) {
        cursor.at(end + 8);
        int onThisDisk = cursor.u16();
        long count = cursor.u16();
        long bytes = cursor.u32();
        long offset = cursor.u32();
        if (onThisDisk != count) {
            throw file.bad("a zip archive in one file", "one in several");
        }
        if (count != SEE_END_64 && bytes != SEE_EXTRA && offset != SEE_EXTRA) {
            return checked(new Directory(offset, bytes, count), end);
        }
        if (end < LOCATOR_BYTES || cursor.at(end - LOCATOR_BYTES).u32() != LOCATOR_64) {
            throw file.bad("a zip64 locator before the end of the directory", "none");
        }
        cursor.skip(4);
        long end64 = cursor.size();
        if (cursor.at(end64).u32() != END_64) {
            throw file.bad("the zip64 end of the directory at " + end64, "something else");
        }
        cursor.skip(28);
        long count64 = cursor.size();
        long bytes64 = cursor.size();
        return checked(new Directory(cursor.size(), bytes64, count64), end64);
    }

    private Directory checked(Directory directory, long end) {
        if (directory.bytes > end || directory.offset > end - directory.bytes) {
            throw file.bad("a zip directory that ends by " + end, directory.bytes + " bytes at " + directory.offset);
        }
        if (directory.count > directory.bytes / DIRECTORY_ENTRY_BYTES) {
            throw file.bad(
                    "at most " + directory.bytes / DIRECTORY_ENTRY_BYTES + " zip entries",
                    Long.toUnsignedString(directory.count));
        }
        return directory;
    }

    private void read(Directory directory) {
        List<Entry> listed = new ArrayList<>();
        cursor.at(directory.offset);
        for (long i = 0; i < directory.count; i++) {
            listed.add(entry());
        }
        List<Extent> extents = new ArrayList<>();
        for (Entry entry : listed) {
            extents.add(locate(entry, directory.offset));
        }
        extents.sort(Comparator.comparingLong(Extent::begin));
        for (int i = 1; i < extents.size(); i++) {
            if (extents.get(i).begin < extents.get(i - 1).end) {
                throw file.bad(
                        "zip entries apart from each other",
                        Printable.quoted(extents.get(i).name) + " inside " + Printable.quoted(extents.get(i - 1).name));
            }
        }
    }

    private Entry entry() {
        if (cursor.u32() != DIRECTORY_ENTRY) {
            throw file.bad("a zip directory entry at " + (cursor.position() - 4), "something else");
        }
        cursor.skip(4);
        int flags = cursor.u16();
        int method = cursor.u16();
        cursor.skip(8);
        long compressed = cursor.u32();
        long bytes = cursor.u32();
        int nameBytes = cursor.u16();
        int extraBytes = cursor.u16();
        int commentBytes = cursor.u16();
        cursor.skip(8);
        long header = cursor.u32();
        String name = cursor.text(nameBytes);
        long afterExtra = cursor.position() + extraBytes;
        if (compressed == SEE_EXTRA || bytes == SEE_EXTRA || header == SEE_EXTRA) {
            seekExtra(afterExtra, name);
            bytes = bytes == SEE_EXTRA ? cursor.size() : bytes;
            compressed = compressed == SEE_EXTRA ? cursor.size() : compressed;
            header = header == SEE_EXTRA ? cursor.size() : header;
        }
        cursor.at(afterExtra).skip(commentBytes);
        if ((flags & ENCRYPTED) != 0) {
            throw bad(name, "an entry that is not encrypted", "an encrypted one");
        }
        if (method != 0 || compressed != bytes) {
            boolean ofNumpy = name.endsWith(".npy");
            throw bad(
                    name,
                    "an entry stored as it is, as " + (ofNumpy ? "numpy.savez" : "torch.save") + " does",
                    ofNumpy
                            ? "a compressed one: write the arrays with numpy.savez instead of numpy.savez_compressed"
                            : "a compressed one: unpack the archive and save the model again with torch.save");
        }
        return new Entry(name, header, bytes, flags);
    }

    private void seekExtra(long end, String name) {
        while (cursor.position() + 4 <= end) {
            int id = cursor.u16();
            int length = cursor.u16();
            if (id == EXTRA_64) {
                return;
            }
            cursor.skip(length);
        }
        throw bad(name, "a zip64 extra field", "none");
    }

    /** Locates an entry's content after its own header, which must agree with the directory. */
    private Extent locate(Entry entry, long directory) {
        if (cursor.at(entry.header).u32() != LOCAL_HEADER) {
            throw bad(entry.name, "the entry's header at " + entry.header, "something else");
        }
        cursor.skip(2);
        int flags = cursor.u16();
        int method = cursor.u16();
        cursor.skip(8);
        long compressed = cursor.u32();
        long bytes = cursor.u32();
        int nameBytes = cursor.u16();
        int extraBytes = cursor.u16();
        boolean sizesAgree = (flags & SIZES_FOLLOW) != 0
                || ((bytes == entry.bytes || bytes == SEE_EXTRA)
                        && (compressed == entry.bytes || compressed == SEE_EXTRA));
        if (flags != entry.flags
                || method != 0
                || !sizesAgree
                || !cursor.text(nameBytes).equals(entry.name)) {
            throw bad(entry.name, "an entry whose header agrees with the directory", "one that does not");
        }
        cursor.skip(extraBytes);
        long begin = cursor.position();
        MemorySegment content = cursor.slice(entry.bytes);
        if (cursor.position() > directory) {
            throw bad(entry.name, "an entry that ends before the directory, at " + directory, "one that does not");
        }
        if (entries.putIfAbsent(entry.name, content) != null) {
            throw bad(entry.name, "one entry of that name", "two");
        }
        return new Extent(entry.name, entry.header, begin + entry.bytes);
    }

    private BadCheckpointException bad(String entry, String expected, String found) {
        return BadCheckpointException.file(file.label() + ", zip entry " + Printable.quoted(entry), expected, found);
    }
}
