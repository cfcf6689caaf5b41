/** Pictures that people add: scaled, and without what cameras write into them. */

const LONGEST_SIDE = 2_048;
const TYPES = /^image\/(?:png|jpeg|webp|gif)$/;

export interface Picture {
  name: string;
  /** A data URL, to be sent. */
  url: string;
  /** An address of this page, to be shown. */
  src: string;
}

/** Returns the files among what was pasted or dropped. */
export function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}

/** Returns a picture that can be sent, null if a file is none. */
export async function picture(file: File): Promise<Picture | null> {
  if (!TYPES.test(file.type)) return null;
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    // Drawn anew, so that nothing of the file is left but what is seen.
    const url = canvas.toDataURL(file.type === "image/png" ? "image/png" : "image/jpeg", 0.9);
    return { name: file.name, url, src: URL.createObjectURL(file) };
  } catch {
    return null;
  }
}
