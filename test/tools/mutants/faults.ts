import { CHECK_FAULTS } from './check-faults.ts'
import { listed } from './fault.ts'
import { FUNCTION_FAULTS } from './function-faults.ts'
import { LAYOUT_FAULTS } from './layout-faults.ts'
import { LIB_FAULTS } from './lib-faults.ts'

export const FAULTS = listed(LIB_FAULTS, FUNCTION_FAULTS, LAYOUT_FAULTS, CHECK_FAULTS)
