/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program's own pages: code that a sample is the first to run would be a page fault in it.
 */
#ifndef KVR_CODE_PAGES_H
#define KVR_CODE_PAGES_H

/* Maps every page of the program and its libraries that lies in a file, as far as this kernel can
 * (Linux 5.14); elsewhere nothing happens, and a first touch voids the sample it falls into. */
void kvr_code_pages_map(void);

#endif
