/*
 * The version of the headers a program was compiled with, for #if. (Go: runtime.Version.)
 */
#ifndef SONDE_VERSION_H
#define SONDE_VERSION_H

#define SONDE_VERSION_MAJOR 0
#define SONDE_VERSION_MINOR 1
#define SONDE_VERSION_PATCH 0

#endif
