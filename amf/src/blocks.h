/* Cutting lists of blocks by row. */
#ifndef AMF_BLOCKS_H
#define AMF_BLOCKS_H

#include <amf/kernel.h>

/* The blocks that make up rows [first, first + row_count) of the list, cut to fit. ret_slice: room
 * for count. Returns how many. */
size_t amf_blocks_slice(const struct amf_block *blocks, size_t count, size_t first,
                        size_t row_count, struct amf_block *ret_slice);

#endif
