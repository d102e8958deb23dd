/** Numbers as a reader sees them. The exact ones are in `data-value`, in the CSV, and in the library. */

/** Three significant digits; `-` for what is not a number. */
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "-";
  }
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) {
    return value.toExponential(1);
  }
  return value.toPrecision(3).includes("e") ? String(Math.round(value)) : Number(value.toPrecision(3)).toString();
}

/** A share in per cent. */
export function percent(share) {
  if (!Number.isFinite(share)) {
    return "-";
  }
  const value = 100 * share;
  if (value === 0 || value === 100) {
    return `${value} %`;
  }
  if (value < 0.01) {
    return "< 0.01 %";
  }
  return value >= 99.95 ? "> 99.9 %" : `${value < 10 ? value.toPrecision(2) : value.toFixed(1)} %`;
}

/** Rows as comma-separated values (RFC 4180); numbers with all their digits. */
export function csv(rows) {
  const cell = value => {
    if (typeof value === "number") {
      return Number.isFinite(value) ? String(value) : "";
    }
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map(row => row.map(cell).join(",") + "\n").join("");
}
